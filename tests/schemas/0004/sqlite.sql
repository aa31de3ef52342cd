BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0004');
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	event VARCHAR(40) NOT NULL, 
	actor_id INTEGER, 
	at DATETIME NOT NULL, 
	last_at DATETIME NOT NULL, 
	times INTEGER NOT NULL, 
	network VARCHAR(64) NOT NULL, 
	browser VARCHAR(200) NOT NULL, 
	detail TEXT NOT NULL, 
	chain VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (id), 
	CONSTRAINT fk_audit_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id), 
	CONSTRAINT uq_audit_user_id_number UNIQUE (user_id, number)
);
INSERT INTO "audit" VALUES(1,1,1,'administrator_created',1,'2026-11-22 00:59:34.128207','2026-11-22 00:59:34.128207',1,'-','command line','{"superuser": true}','ee4f629f0e4937b4ef2b32713588a63a9a71ec8913b094039f2c7070d4a748a4');
INSERT INTO "audit" VALUES(2,2,1,'administrator_created',2,'2026-11-22 00:59:36.331513','2026-11-22 00:59:36.331513',1,'-','command line','{"superuser": false}','6b7e278ba03c5de12135b4c7f3a51e3d8ae6be1fd96f3ac71c6db8ac511d31f4');
INSERT INTO "audit" VALUES(3,3,1,'administrator_created',3,'2026-11-22 00:59:38.250864','2026-11-22 00:59:38.250864',1,'-','command line','{"superuser": false}','fdd7809219ea3155e353c6cd4a8be8f35f8e68d4c3ab1da8f6816b97cc9ca6f8');
INSERT INTO "audit" VALUES(4,4,1,'administrator_created',4,'2026-11-22 00:59:40.151361','2026-11-22 00:59:40.151361',1,'-','command line','{"superuser": false}','d88e5829f88c37a08d2dbb9a3f0dba1a1816268fa53960edd2f2d88b98129319');
INSERT INTO "audit" VALUES(5,5,1,'administrator_created',5,'2026-11-22 00:59:42.351603','2026-11-22 00:59:42.351603',1,'-','command line','{"superuser": false}','6a5ec75bd31a0effdf770d2e29906d6e6ddc6a8f8c54bbc5eb06d5375c1b157f');
INSERT INTO "audit" VALUES(6,6,1,'administrator_created',6,'2026-11-22 00:59:45.837168','2026-11-22 00:59:45.837168',1,'-','command line','{"superuser": false}','9412d0825a11eef577e8ddafaade833764d9388b71c9a68cd0bbff48d7c36d44');
INSERT INTO "audit" VALUES(7,1,2,'signed_in',1,'2026-11-22 00:59:52.458443','2026-11-22 00:59:52.458443',1,'127.0.0.1','Chrome 156, Linux','{}','45b5ed405930e5caaf4d66193e72bece93b187dc55dd8faad5f580b0df2d19ae');
INSERT INTO "audit" VALUES(8,2,2,'signed_in',2,'2026-11-22 00:59:52.701863','2026-11-22 00:59:52.701863',1,'127.0.0.1','Chrome 156, Linux','{}','dc8d806ee5c99e26fd1880357274cf80d71bad3ea1c9a00385ded5a97d32e972');
INSERT INTO "audit" VALUES(9,3,2,'signed_in',3,'2026-11-22 00:59:53.497922','2026-11-22 00:59:53.497922',1,'127.0.0.1','Chrome 156, Linux','{}','df4a47bc2d8c8d2ed957ef72549461a4bbfe17330283cd6be4f02b5e46a3057f');
INSERT INTO "audit" VALUES(10,5,2,'signed_in',5,'2026-11-22 00:59:53.637629','2026-11-22 00:59:53.637629',1,'127.0.0.1','Chrome 156, Linux','{}','8eddaa3b71c9416a17afc5bed4ead4b1a59dc05313ea40232c110e1ed6e7b3f8');
INSERT INTO "audit" VALUES(11,3,3,'code_requested',3,'2026-11-22 00:59:54.048876','2026-11-22 00:59:54.048876',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','bf68654fea7fd10c06304089872158b41d34828fe99b3f8f4ed7531bbd9858e3');
INSERT INTO "audit" VALUES(12,3,4,'code_wrong',3,'2026-11-22 00:59:58.800517','2026-11-22 00:59:58.800517',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','4a014bd3001b8d0d8e4bd572927f970146c85ed1143666ebe3cf9f3f0a8175b3');
INSERT INTO "audit" VALUES(13,3,5,'email_changed',3,'2026-11-22 00:59:58.853734','2026-11-22 00:59:58.853734',1,'127.0.0.1','Chrome 156, Linux','{"new": "carol.new@example.com", "old": "carol@example.com"}','1a110e2fa3aeeee02e24929f2ee0a61bd44377aad09f07148a58e416d06b8201');
INSERT INTO "audit" VALUES(14,2,3,'code_requested',2,'2026-11-22 01:00:04.889938','2026-11-22 01:00:04.889938',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','eb3aa8d89afe81308d108123d8dd2f7a0c09c8e5554e7d01cda8785795aef413');
INSERT INTO "audit" VALUES(15,2,4,'code_wrong',2,'2026-11-22 01:00:12.223293','2026-11-22 01:00:12.223293',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','afb1b01c8c4632a040a71aeb2160db39b98bb58af07899f670c6fe26ebba02e3');
INSERT INTO "audit" VALUES(16,1,3,'invitation_sent',1,'2026-11-22 01:00:18.441620','2026-11-22 01:00:18.441620',1,'127.0.0.1','Chrome 156, Linux','{"email": "gus@example.com", "superuser": false}','05c22d9275363af32548010b4e87d336bfd07a1f9ee2b3f45a4349fc98b97d5f');
INSERT INTO "audit" VALUES(17,6,2,'change_started',1,'2026-11-22 01:00:21.760293','2026-11-22 01:00:21.760293',1,'127.0.0.1','Chrome 156, Linux','{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}','cf0a0880decde592b30c2b4b85ae7a8ade7badc2ac074396738156800b6eaf6c');
INSERT INTO "audit" VALUES(18,5,3,'signed_out',5,'2026-11-22 01:00:22.076253','2026-11-22 01:00:22.076253',1,'127.0.0.1','Chrome 156, Linux','{}','e63dde22222f5a797e39416532a10e2c03c1f832c3ed15c6fec029bd75a676c9');
INSERT INTO "audit" VALUES(19,5,4,'sign_in_failed',5,'2026-11-22 01:00:21.867894','2026-11-22 01:00:22.045627',3,'127.0.0.1','Chrome 156, Linux','{}','6ebaa30417612d91c9957ee9602ea9f02f812501dc9d300caba58077cf279f7f');
CREATE TABLE budget (
	"key" VARCHAR(64) NOT NULL, 
	used INTEGER NOT NULL, 
	used_at DATETIME NOT NULL, 
	resets_at DATETIME NOT NULL, 
	CONSTRAINT pk_budget PRIMARY KEY ("key")
);
INSERT INTO "budget" VALUES('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf',1,'2026-11-22 00:59:53.920934','2026-11-22 01:59:53.920934');
INSERT INTO "budget" VALUES('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5',1,'2026-11-22 00:59:53.920934','2026-11-22 01:59:53.920934');
INSERT INTO "budget" VALUES('d13fe704acec3384faeaf4a12fe898418d7fd387d178ad136c841af9354f8a4d',1,'2026-11-22 00:59:53.920934','2026-11-23 00:59:53.920934');
INSERT INTO "budget" VALUES('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc',2,'2026-11-22 01:00:04.735439','2026-11-22 01:59:53.920934');
INSERT INTO "budget" VALUES('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15',2,'2026-11-22 00:59:58.853071','2026-11-23 00:59:58.799843');
INSERT INTO "budget" VALUES('2319e8a1d3803deb9815b114c1ceb0b62e7e29df8b51946fb38bfbf60d001dd1',2,'2026-11-22 00:59:58.853071','2026-11-23 00:59:58.799843');
INSERT INTO "budget" VALUES('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66',1,'2026-11-22 01:00:04.735439','2026-11-22 02:00:04.735439');
INSERT INTO "budget" VALUES('e819d40996c06513a021915c4c30e8b40f86a5af9327eab3416a226befa66821',1,'2026-11-22 01:00:04.735439','2026-11-23 01:00:04.735439');
INSERT INTO "budget" VALUES('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46',1,'2026-11-22 01:00:04.735439','2026-11-22 02:00:04.735439');
INSERT INTO "budget" VALUES('603f9f295bc34c1ee937907c707ba1950ce7a57459f736417282d63fff5f63ab',1,'2026-11-22 01:00:12.209783','2026-11-23 01:00:12.209783');
INSERT INTO "budget" VALUES('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1',1,'2026-11-22 01:00:12.209783','2026-11-23 01:00:12.209783');
INSERT INTO "budget" VALUES('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2',1,'2026-11-22 01:00:18.423301','2026-11-22 02:00:18.423301');
CREATE TABLE cms_user (
	id INTEGER NOT NULL, 
	username VARCHAR(50) NOT NULL, 
	username_key VARCHAR(100) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	email_version INTEGER NOT NULL, 
	password_hash VARCHAR(200) NOT NULL, 
	is_superuser BOOLEAN NOT NULL, 
	is_active BOOLEAN NOT NULL, 
	language VARCHAR(10), 
	mobile VARCHAR(20), 
	staff_number INTEGER, 
	gender VARCHAR(10), 
	city VARCHAR(40), 
	interests JSON NOT NULL, 
	profile_version INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	acted_at DATETIME NOT NULL, 
	frozen_until DATETIME, 
	audit_rows INTEGER NOT NULL, 
	audit_chain VARCHAR(64) NOT NULL, password_version INTEGER DEFAULT '1' NOT NULL, signed_in_at DATETIME, 
	CONSTRAINT pk_cms_user PRIMARY KEY (id), 
	CONSTRAINT uq_cms_user_email_key UNIQUE (email_key), 
	CONSTRAINT uq_cms_user_username_key UNIQUE (username_key)
);
INSERT INTO "cms_user" VALUES(1,'ann','ann','ann@example.com','ann@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$I+Ia0T2csp60r1Db+i14Ng$9yZ2hsWpONvmSfV/N3ob2sCgEKuu/l7izB8lir0+u/k',1,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 00:59:34.121317','2026-11-22 01:00:21.682176',NULL,3,'05c22d9275363af32548010b4e87d336bfd07a1f9ee2b3f45a4349fc98b97d5f',1,'2026-11-22 00:59:52.458417');
INSERT INTO "cms_user" VALUES(2,'bob','bob','bob@example.com','bob@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$Wg0ODojbegRy/ngVpo7Gyg$jQ4vp7xyH/E0LQm/N5qqqQ9UzVgTyK25f0zhY2khQH8',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 00:59:36.326570','2026-11-22 01:00:12.195503',NULL,4,'afb1b01c8c4632a040a71aeb2160db39b98bb58af07899f670c6fe26ebba02e3',1,'2026-11-22 00:59:52.701847');
INSERT INTO "cms_user" VALUES(3,'carol','carol','carol.new@example.com','carol.new@example.com',2,'$argon2id$v=19$m=19456,t=2,p=1$UnxhWzGVj/bAkLA0mbxuYA$jgZ3q5uLeuIkvxX29R/5dErx9JnObie4rllNXh8Of1M',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 00:59:38.247426','2026-11-22 00:59:58.851760',NULL,5,'1a110e2fa3aeeee02e24929f2ee0a61bd44377aad09f07148a58e416d06b8201',1,'2026-11-22 00:59:53.497903');
INSERT INTO "cms_user" VALUES(4,'dan','dan','dan@example.com','dan@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$8/IImWWwhXfkOXi6aIzWjw$H1DfxxbuM3gMspJkRkLXdd+YdwRwkkT6uFsLvGd5qN4',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 00:59:40.148198','2026-11-22 00:59:40.148198',NULL,1,'d88e5829f88c37a08d2dbb9a3f0dba1a1816268fa53960edd2f2d88b98129319',1,NULL);
INSERT INTO "cms_user" VALUES(5,'eve','eve','eve@example.com','eve@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$tpthscrl+i/1a3ce4QCmtA$SygfDG/pLyokuSd8z37T6lMqLUXX0vdd+7PMYl0VvGY',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 00:59:42.348159','2026-11-22 01:00:25.764536',NULL,4,'6ebaa30417612d91c9957ee9602ea9f02f812501dc9d300caba58077cf279f7f',1,'2026-11-22 00:59:53.637618');
INSERT INTO "cms_user" VALUES(6,'fay','fay','fay@example.com','fay@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$A019V9+AIl1W2tssvEjGdA$XuIwBU/+5PPrIcWzTOdEUga8LNyiNh2h6CTIkEGEhe0',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 00:59:45.828774','2026-11-22 01:00:21.682176',NULL,2,'cf0a0880decde592b30c2b4b85ae7a8ade7badc2ac074396738156800b6eaf6c',1,NULL);
CREATE TABLE "email_change" (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	session_id INTEGER, 
	mail_id INTEGER, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	email_version INTEGER NOT NULL, 
	nonce VARCHAR(32) NOT NULL, 
	old_nonce VARCHAR(32), 
	stop_hash VARCHAR(64) NOT NULL, 
	asked_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	tries INTEGER NOT NULL, 
	new_proved BOOLEAN NOT NULL, 
	old_proved BOOLEAN NOT NULL, 
	is_assisted BOOLEAN DEFAULT 0 NOT NULL, 
	started_by INTEGER, 
	network VARCHAR(64) DEFAULT '' NOT NULL, 
	browser VARCHAR(200) DEFAULT '' NOT NULL, 
	outcome VARCHAR(10) DEFAULT '' NOT NULL, 
	ended_by VARCHAR(50) DEFAULT '' NOT NULL, 
	CONSTRAINT pk_email_change PRIMARY KEY (id), 
	CONSTRAINT fk_email_change_mail_id FOREIGN KEY(mail_id) REFERENCES mail (id) ON DELETE SET NULL, 
	CONSTRAINT uq_email_change_user_id UNIQUE (user_id), 
	CONSTRAINT fk_email_change_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_email_change_stop_hash UNIQUE (stop_hash), 
	CONSTRAINT fk_email_change_started_by FOREIGN KEY(started_by) REFERENCES cms_user (id) ON DELETE SET NULL, 
	CONSTRAINT fk_email_change_session_id FOREIGN KEY(session_id) REFERENCES login_session (id) ON DELETE SET NULL
);
INSERT INTO "email_change" VALUES(1,3,3,1,'carol.new@example.com','carol.new@example.com',1,'39b30f3791d36b6afb0bf746fb52caf3',NULL,'c0462b3cd1675710b6776275027c5226ab0897fcd4cf4a6eed4a7c0a9721a258','2026-11-22 00:59:54.036244','2026-11-22 01:09:53.924549',2,0,1,0,NULL,'127.0.0.1','Chrome 156, Linux','made','');
INSERT INTO "email_change" VALUES(2,2,2,4,'bob.new@example.com','bob.new@example.com',1,'3c6edf94ae4f6c6e7d925ba1e0798056',NULL,'2e75204625bfe8d7553d9419ae87e5fc602cff12ae6010397bc89c928142f7c3','2026-11-22 01:00:04.877920','2026-11-22 01:10:04.751799',1,0,1,0,NULL,'127.0.0.1','Chrome 156, Linux','','');
INSERT INTO "email_change" VALUES(3,6,NULL,8,'fay.new@example.com','fay.new@example.com',1,'',NULL,'5c3dbe76618e814544eabf93450210d3e77cf90570b09256562d2f48a1dcdbb7','2026-11-22 01:00:21.759976','2026-11-26 01:00:21.692835',0,0,0,1,1,'127.0.0.1','Chrome 156, Linux','','');
CREATE TABLE invitation (
	id INTEGER NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	is_superuser BOOLEAN NOT NULL, 
	invited_by INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_invitation PRIMARY KEY (id), 
	CONSTRAINT fk_invitation_invited_by FOREIGN KEY(invited_by) REFERENCES cms_user (id), 
	CONSTRAINT uq_invitation_email_key UNIQUE (email_key), 
	CONSTRAINT uq_invitation_token_hash UNIQUE (token_hash)
);
INSERT INTO "invitation" VALUES(1,'18f4a8ba6b4c5e2dd2067d14d3d534ae7aa4296d89bd47a26950a9985977c174','gus@example.com','gus@example.com',0,1,'2026-11-22 01:00:18.424151','2026-11-25 01:00:18.424151');
CREATE TABLE link (
	id INTEGER NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	purpose VARCHAR(10) NOT NULL, 
	user_id INTEGER NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	email_version INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	ended_at DATETIME, since DATETIME, network VARCHAR(64) DEFAULT '' NOT NULL, browser VARCHAR(200) DEFAULT '' NOT NULL, 
	CONSTRAINT pk_link PRIMARY KEY (id), 
	CONSTRAINT fk_link_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_link_token_hash UNIQUE (token_hash)
);
INSERT INTO "link" VALUES(1,'12b5ce7ecc8ed36db20810d66de87c5a2a5438eb9ea318522728ba3bf2db6cfd','undo',3,'carol@example.com','carol@example.com',2,'2026-11-22 00:59:58.881236','2026-11-29 00:59:58.881236',NULL,'2026-11-22 00:59:54.036244','127.0.0.1','Chrome 156, Linux');
INSERT INTO "link" VALUES(2,'287ad7b2e0c1ed1a86f71b28fae91870275f25766e5014588be14e55d5b14d1d','prove',6,'fay.new@example.com','fay.new@example.com',1,'2026-11-22 01:00:21.704168','2026-11-26 01:00:21.704168',NULL,NULL,'','');
CREATE TABLE login_session (
	id INTEGER NOT NULL, 
	id_hash VARCHAR(64) NOT NULL, 
	user_id INTEGER NOT NULL, 
	remembered BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	proved_at DATETIME NOT NULL, 
	network VARCHAR(64) NOT NULL, 
	browser VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_login_session PRIMARY KEY (id), 
	CONSTRAINT fk_login_session_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_login_session_id_hash UNIQUE (id_hash)
);
INSERT INTO "login_session" VALUES(1,'ba32c3f83cacd382035f9de0e96ad7f5149e8bec968416faff054c299764e5dd',1,0,'2026-11-22 00:59:52.458145','2026-11-22 00:59:52.458145','2026-11-22 00:59:52.458145','127.0.0.1','Chrome 156, Linux');
INSERT INTO "login_session" VALUES(2,'8b712ca5c207926fbd5ba5576b4d29c7f3ee55936a5c45b948c6525db6d9fc21',2,0,'2026-11-22 00:59:52.701625','2026-11-22 00:59:52.701625','2026-11-22 00:59:52.701625','127.0.0.1','Chrome 156, Linux');
INSERT INTO "login_session" VALUES(3,'d147bb0e3800f52d03a3041890e253102ed07d440a113c857796cfa59ad0bb1a',3,0,'2026-11-22 00:59:53.497679','2026-11-22 00:59:53.497679','2026-11-22 00:59:53.497679','127.0.0.1','Chrome 156, Linux');
CREATE TABLE mail (
	id INTEGER NOT NULL, 
	message_id VARCHAR(200) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	user_id INTEGER, 
	recipient VARCHAR(254) NOT NULL, 
	subject TEXT NOT NULL, 
	body TEXT NOT NULL, 
	html TEXT NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	created_at DATETIME NOT NULL, 
	due_at DATETIME NOT NULL, 
	not_after DATETIME NOT NULL, 
	tries INTEGER NOT NULL, 
	done_at DATETIME, 
	problem VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_mail PRIMARY KEY (id), 
	CONSTRAINT fk_mail_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_mail_message_id UNIQUE (message_id)
);
INSERT INTO "mail" VALUES(1,'<179530919399.1535.16330652417685727359@example.net>','code',3,'carol.new@example.com','','','','sent','2026-11-22 00:59:53.995544','2026-11-22 01:02:26.903528','2026-11-22 01:09:53.924549',1,'2026-11-22 00:59:56.992931','');
INSERT INTO "mail" VALUES(2,'<179530919403.1535.5705476382580676@example.net>','heads_up',3,'carol@example.com','','','','sent','2026-11-22 00:59:54.035309','2026-11-22 01:02:27.011223','2026-11-22 01:09:54.007329',1,'2026-11-22 00:59:57.103789','');
INSERT INTO "mail" VALUES(3,'<179530919894.1535.10429929428047106929@example.net>','changed',3,'carol@example.com','','','','sent','2026-11-22 00:59:58.946284','2026-11-22 01:02:32.912590','2026-11-25 00:59:58.946284',1,'2026-11-22 01:00:03.012716','');
INSERT INTO "mail" VALUES(4,'<179530920483.1534.14001064651413416389@example.net>','code',2,'bob.new@example.com','','','','sent','2026-11-22 01:00:04.839274','2026-11-22 01:02:39.047917','2026-11-22 01:10:04.751799',1,'2026-11-22 01:00:09.184984','');
INSERT INTO "mail" VALUES(5,'<179530920487.1534.7900745085794848477@example.net>','heads_up',2,'bob@example.com','','','','sent','2026-11-22 01:00:04.877225','2026-11-22 01:02:39.207188','2026-11-22 01:10:04.841172',1,'2026-11-22 01:00:09.286947','');
INSERT INTO "mail" VALUES(6,'<179530921844.1534.10013472483911877604@example.net>','invitation',1,'gus@example.com','','','','sent','2026-11-22 01:00:18.440953','2026-11-22 01:02:50.575768','2026-11-25 01:00:18.424151',1,'2026-11-22 01:00:20.608075','');
INSERT INTO "mail" VALUES(7,'<179530922172.1534.8431494018496865422@example.net>','assisted',6,'fay@example.com','','','','sent','2026-11-22 01:00:21.725256','2026-11-22 01:02:55.518366','2026-11-25 01:00:21.725256',1,'2026-11-22 01:00:25.591634','');
INSERT INTO "mail" VALUES(8,'<179530922175.1534.2282996443581768606@example.net>','assisted_proof',6,'fay.new@example.com','请确认您的新邮箱','fay，您好：

已为您发起邮箱修改，将把您账号的邮箱修改为此邮箱。请通过此链接完成修改：

http://127.0.0.1:26467/cms/resetemail/prove/Mak6GHSp2PYsU0nGtFX-HzBuiH1fGT2NnscLylN_BxI/

时间：2026-11-22 01:00 UTC
操作人：ann

如果您不知情，请忽略此邮件，不会有任何改动。

-- 
账号中心 · 127.0.0.1:26467
','<!doctype html>
<html lang="zh">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>账号中心</title>
  </head>
  <body style="margin:0;padding:24px 12px;font-family:-apple-system,''Segoe UI'',Roboto,''PingFang SC'',''Microsoft YaHei'',''Noto Sans CJK SC'',sans-serif;font-size:16px;line-height:1.6">
    <div style="max-width:560px;margin:0 auto;padding:24px;border:1px solid #c9cede;border-radius:12px">
      <p style="margin:0 0 20px;padding-bottom:12px;border-bottom:1px solid #c9cede;font-weight:bold;overflow-wrap:anywhere">账号中心 · 127.0.0.1:26467</p>
      
<p>fay，您好：</p>
<p>已为您发起邮箱修改，将把您账号的邮箱修改为此邮箱。请通过此链接完成修改：</p>
<p style="margin:20px 0"><a href="http://127.0.0.1:26467/cms/resetemail/prove/Mak6GHSp2PYsU0nGtFX-HzBuiH1fGT2NnscLylN_BxI/" style="display:inline-block;padding:12px 24px;border:1px solid #2f6fde;border-radius:8px;background-color:#2f6fde;color:#ffffff;font-weight:bold;text-decoration:none">确认新邮箱</a></p>
<p style="font-size:14px">如果按钮无法点击，请打开以下网址：<br><a href="http://127.0.0.1:26467/cms/resetemail/prove/Mak6GHSp2PYsU0nGtFX-HzBuiH1fGT2NnscLylN_BxI/" style="color:inherit;word-break:break-all">http://127.0.0.1:26467/cms/resetemail/prove/Mak6GHSp2PYsU0nGtFX-HzBuiH1fGT2NnscLylN_BxI/</a></p>
<p style="padding-left:12px;border-left:3px solid #8a93b0;overflow-wrap:anywhere">时间：2026-11-22 01:00 UTC<br>
操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>','queued','2026-11-22 01:00:21.759380','2026-11-23 01:00:21.692835','2026-11-26 01:00:21.692835',0,NULL,'');
INSERT INTO "mail" VALUES(9,'<179530922718.1535.6498075498402084229@example.net>','errand:password_link',NULL,'dan@example.com','','{"where": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:26467"}, "language": "zh"}','','queued','2026-11-22 01:00:27.188984','2026-11-22 01:00:27.188984','2026-11-25 01:00:27.188984',0,NULL,'');
CREATE INDEX ix_budget_resets_at ON budget (resets_at);
CREATE INDEX ix_cms_user_created_at ON cms_user (created_at);
CREATE INDEX ix_link_email_key ON link (email_key);
CREATE INDEX ix_link_user_id_purpose ON link (user_id, purpose);
CREATE INDEX ix_login_session_user_id ON login_session (user_id);
CREATE INDEX ix_mail_state_due_at ON mail (state, due_at);
CREATE INDEX ix_mail_user_id ON mail (user_id);
CREATE INDEX ix_invitation_created_at ON invitation (created_at);
CREATE INDEX ix_invitation_expires_at ON invitation (expires_at);
CREATE INDEX ix_link_ended_at ON link (ended_at);
CREATE INDEX ix_link_expires_at ON link (expires_at);
CREATE INDEX ix_login_session_remembered_created_at ON login_session (remembered, created_at);
CREATE INDEX ix_login_session_remembered_seen_at ON login_session (remembered, seen_at);
CREATE INDEX ix_mail_done_at ON mail (done_at);
CREATE INDEX ix_audit_actor_id_at ON audit (actor_id, at);
CREATE INDEX ix_email_change_expires_at ON email_change (expires_at);
CREATE INDEX ix_email_change_session_id ON email_change (session_id);
CREATE INDEX ix_email_change_mail_id ON email_change (mail_id);
CREATE INDEX ix_email_change_started_by ON email_change (started_by);
CREATE INDEX ix_email_change_is_assisted ON email_change (asked_at, id) WHERE is_assisted = 1;
COMMIT;
