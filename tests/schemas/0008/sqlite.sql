BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0008');
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
	chain VARCHAR(64) NOT NULL, key_id VARCHAR(8), request_id VARCHAR(64), 
	CONSTRAINT pk_audit PRIMARY KEY (id), 
	CONSTRAINT fk_audit_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id), 
	CONSTRAINT uq_audit_user_id_number UNIQUE (user_id, number)
);
INSERT INTO "audit" VALUES(1,1,1,'administrator_created',NULL,'2026-11-22 07:08:06.588893','2026-11-22 07:08:06.588893',1,'-','command line','{"superuser": true}','d7c55838d167e003c1b33029ca26725e300c8996ca404ca75be4893b595d3311','a1e15d34',NULL);
INSERT INTO "audit" VALUES(2,2,1,'administrator_created',NULL,'2026-11-22 07:08:08.240840','2026-11-22 07:08:08.240840',1,'-','command line','{"superuser": false}','c704a593a9c70fba5c5b8711e9332ee154f88d9b5d2650c40377dcb8fb5c8ec8','a1e15d34',NULL);
INSERT INTO "audit" VALUES(3,3,1,'administrator_created',NULL,'2026-11-22 07:08:09.646985','2026-11-22 07:08:09.646985',1,'-','command line','{"superuser": false}','499b1c159ee9d96b5504e80d5293567acf0da199817c2d7a4af9cf498aa0a8f5','a1e15d34',NULL);
INSERT INTO "audit" VALUES(4,4,1,'administrator_created',NULL,'2026-11-22 07:08:11.313823','2026-11-22 07:08:11.313823',1,'-','command line','{"superuser": false}','9c39bc4d2b5c233890fbca265c8bf9ae27430d5ae995d55696282ae768a5ffc6','a1e15d34',NULL);
INSERT INTO "audit" VALUES(5,5,1,'administrator_created',NULL,'2026-11-22 07:08:13.094461','2026-11-22 07:08:13.094461',1,'-','command line','{"superuser": false}','886dc7bed7f15787e12616bdeb0c10f8bdd8f45377a94e181ccf9bbf5f3f99ae','a1e15d34',NULL);
INSERT INTO "audit" VALUES(6,6,1,'administrator_created',NULL,'2026-11-22 07:08:14.574789','2026-11-22 07:08:14.574789',1,'-','command line','{"superuser": false}','94206cf4f5546dd58a843eb63867205a00efb6b85d41bcca0090c17102000b7d','a1e15d34',NULL);
INSERT INTO "audit" VALUES(7,1,2,'signed_in',1,'2026-11-22 07:08:19.219470','2026-11-22 07:08:19.219470',1,'127.0.0.1','Chrome 156, Linux','{}','26709d416f580f3ac8ff8cd5ab25ec35d681c680af7d8793b16a584be1de7347','a1e15d34','51bb66488028a3fc');
INSERT INTO "audit" VALUES(8,2,2,'signed_in',2,'2026-11-22 07:08:19.388690','2026-11-22 07:08:19.388690',1,'127.0.0.1','Chrome 156, Linux','{}','4fdaab4e40f5373c56fc37d35c8c5cdba91cae433a7faadb03f204ecbaff2de4','a1e15d34','9aa3da54a928864d');
INSERT INTO "audit" VALUES(9,3,2,'signed_in',3,'2026-11-22 07:08:19.427236','2026-11-22 07:08:19.427236',1,'127.0.0.1','Chrome 156, Linux','{}','a99a21af9c140be51b950e6659c7c4e2432f87306e338a1c2fa94bd10a3ed6d1','a1e15d34','25734da0010b5d2d');
INSERT INTO "audit" VALUES(10,5,2,'signed_in',5,'2026-11-22 07:08:19.461916','2026-11-22 07:08:19.461916',1,'127.0.0.1','Chrome 156, Linux','{}','79371b37a366f566ad042ef1c92304f43f0c056e359386844effb5b375ed9927','a1e15d34','deb7508dce34da4b');
INSERT INTO "audit" VALUES(11,3,3,'code_requested',3,'2026-11-22 07:08:19.532452','2026-11-22 07:08:19.532452',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','9a0de20d919b37adbfd40306a43722cf41535a456ce6eb93706bda727e59ffd9','a1e15d34','58aa7d34b3ab1cd5');
INSERT INTO "audit" VALUES(12,3,4,'code_wrong',3,'2026-11-22 07:08:20.655677','2026-11-22 07:08:20.655677',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','e4a74ee40c1ebfaf4b78badf93288831fefaac84a9bfd03476f1c126ad2d7dc8','a1e15d34','cc7ba420c7b5b64e');
INSERT INTO "audit" VALUES(13,3,5,'email_changed',3,'2026-11-22 07:08:20.661044','2026-11-22 07:08:20.661044',1,'127.0.0.1','Chrome 156, Linux','{"new": "carol.new@example.com", "old": "carol@example.com"}','57c330a50a9c1f372601f408abee6ba86c590163ae40368124b92e381fc7e57e','a1e15d34','04e95a5fc825407d');
INSERT INTO "audit" VALUES(14,2,3,'code_requested',2,'2026-11-22 07:08:21.986699','2026-11-22 07:08:21.986699',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','3b95fea35c4f87a6dd7c71c7cd5b96f86fa2b210b5ebca8da6dddae6cbf2c30a','a1e15d34','170fa25cad3dbfab');
INSERT INTO "audit" VALUES(15,2,4,'code_wrong',2,'2026-11-22 07:08:24.268777','2026-11-22 07:08:24.268777',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','ae5dbe7c9133969a4e1bec75897ebe4bc4c26dfb123cc31dcc5e6db8b2440d14','a1e15d34','998f48aeee332d4c');
INSERT INTO "audit" VALUES(16,1,3,'invitation_sent',1,'2026-11-22 07:08:25.837082','2026-11-22 07:08:25.837082',1,'127.0.0.1','Chrome 156, Linux','{"email": "gus@example.com", "superuser": false}','3184e5554bf5aa329fc286b91f56e7316105816971f87945e68e5fa658f8b5c7','a1e15d34','627084541cfb96ed');
INSERT INTO "audit" VALUES(17,6,2,'change_started',1,'2026-11-22 07:08:27.009210','2026-11-22 07:08:27.009210',1,'127.0.0.1','Chrome 156, Linux','{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}','19cbccffbd6fec79a3b582ac2a1f53f87e1487683f6d2ef57e334f7a3210ccb8','a1e15d34','0b04b77141c3f3a0');
INSERT INTO "audit" VALUES(18,5,3,'signed_out',5,'2026-11-22 07:08:27.141726','2026-11-22 07:08:27.141726',1,'127.0.0.1','Chrome 156, Linux','{}','55616d260017bd32ef81d1a832a93642e0dd66b15d833a738fd8058da81d9bf8','a1e15d34','cb0d883a44c04e1b');
INSERT INTO "audit" VALUES(19,5,4,'sign_in_failed',5,'2026-11-22 07:08:27.043297','2026-11-22 07:08:27.124656',3,'127.0.0.1','Chrome 156, Linux','{}','ac10464f85c7175f32256ceff60689c9bfd5d7ab3ffdf6f71a9a20bdc2451563','a1e15d34','eed0e66fb4f9cbdd');
CREATE TABLE audit_tie (
	user_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	chain VARCHAR(64) NOT NULL, 
	last_at DATETIME NOT NULL, 
	exported_at DATETIME NOT NULL, 
	file VARCHAR(100) NOT NULL, 
	key_id VARCHAR(8) NOT NULL, 
	signature VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_audit_tie PRIMARY KEY (user_id), 
	CONSTRAINT fk_audit_tie_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id)
);
INSERT INTO "audit_tie" VALUES(7,1,'84a9f3f08c8e4c0d7e8c31c3a2983e41edda47bf864cbfc62e5b93be83d2243d','2025-11-22 07:08:16.056332','2026-11-22 07:08:17.440658','history-20261122T070817Z-695b5aa2.jsonl','a1e15d34','6dbd75c5ce7017313a97d534da66a48d4dd4e428dd2d1052dd97a5d0c129f57d');
CREATE TABLE budget (
	"key" VARCHAR(64) NOT NULL, 
	used INTEGER NOT NULL, 
	used_at DATETIME NOT NULL, 
	resets_at DATETIME NOT NULL, 
	CONSTRAINT pk_budget PRIMARY KEY ("key")
);
INSERT INTO "budget" VALUES('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf',1,'2026-11-22 07:08:19.506544','2026-11-22 08:08:19.506544');
INSERT INTO "budget" VALUES('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5',1,'2026-11-22 07:08:19.506544','2026-11-22 08:08:19.506544');
INSERT INTO "budget" VALUES('d13fe704acec3384faeaf4a12fe898418d7fd387d178ad136c841af9354f8a4d',1,'2026-11-22 07:08:19.506544','2026-11-23 07:08:19.506544');
INSERT INTO "budget" VALUES('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc',2,'2026-11-22 07:08:21.952426','2026-11-22 08:08:19.506544');
INSERT INTO "budget" VALUES('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15',2,'2026-11-22 07:08:20.660781','2026-11-23 07:08:20.655047');
INSERT INTO "budget" VALUES('2319e8a1d3803deb9815b114c1ceb0b62e7e29df8b51946fb38bfbf60d001dd1',2,'2026-11-22 07:08:20.660781','2026-11-23 07:08:20.655047');
INSERT INTO "budget" VALUES('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66',1,'2026-11-22 07:08:21.952426','2026-11-22 08:08:21.952426');
INSERT INTO "budget" VALUES('e819d40996c06513a021915c4c30e8b40f86a5af9327eab3416a226befa66821',1,'2026-11-22 07:08:21.952426','2026-11-23 07:08:21.952426');
INSERT INTO "budget" VALUES('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46',1,'2026-11-22 07:08:21.952426','2026-11-22 08:08:21.952426');
INSERT INTO "budget" VALUES('603f9f295bc34c1ee937907c707ba1950ce7a57459f736417282d63fff5f63ab',1,'2026-11-22 07:08:24.268044','2026-11-23 07:08:24.268044');
INSERT INTO "budget" VALUES('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1',1,'2026-11-22 07:08:24.268044','2026-11-23 07:08:24.268044');
INSERT INTO "budget" VALUES('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2',1,'2026-11-22 07:08:25.826474','2026-11-22 08:08:25.826474');
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
	audit_chain VARCHAR(64) NOT NULL, password_version INTEGER DEFAULT '1' NOT NULL, signed_in_at DATETIME, time_zone VARCHAR(64), erased_at DATETIME, 
	CONSTRAINT pk_cms_user PRIMARY KEY (id), 
	CONSTRAINT uq_cms_user_email_key UNIQUE (email_key), 
	CONSTRAINT uq_cms_user_username_key UNIQUE (username_key)
);
INSERT INTO "cms_user" VALUES(1,'ann','ann','ann@example.com','ann@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$/eyfHbON9YJzZe54ezdzUg$B1+x5+5GMfNoONUx5MaGLw3Xg8Ab0gsyhg4A+8TEFpE',1,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 07:08:06.579977','2026-11-22 07:08:25.837082',NULL,3,'3184e5554bf5aa329fc286b91f56e7316105816971f87945e68e5fa658f8b5c7',1,'2026-11-22 07:08:19.219451',NULL,NULL);
INSERT INTO "cms_user" VALUES(2,'bob','bob','bob@example.com','bob@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$j4+jYK8rqEXpr/OtUPVXrg$ouCugOVHFcUI/qVa0nwrAQrG8LaPZ6+2IBUG76eU4IQ',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 07:08:08.180047','2026-11-22 07:08:24.268777',NULL,4,'ae5dbe7c9133969a4e1bec75897ebe4bc4c26dfb123cc31dcc5e6db8b2440d14',1,'2026-11-22 07:08:19.388673',NULL,NULL);
INSERT INTO "cms_user" VALUES(3,'carol','carol','carol.new@example.com','carol.new@example.com',2,'$argon2id$v=19$m=19456,t=2,p=1$HCE1rmdhqmlOgTg6jNgRKw$XiQC/UrFvqF5qJJABJqMJfl62UmxbYapE1Ma/vW/z8g',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 07:08:09.609837','2026-11-22 07:08:20.661044',NULL,5,'57c330a50a9c1f372601f408abee6ba86c590163ae40368124b92e381fc7e57e',1,'2026-11-22 07:08:19.427221',NULL,NULL);
INSERT INTO "cms_user" VALUES(4,'dan','dan','dan@example.com','dan@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$FqeFcD04zVElCOkOs9UymA$5yze6EHQ54f1w0LtLLJHMLD0ijBundDYUP+yiYcjWSI',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 07:08:11.249195','2026-11-22 07:08:11.313823',NULL,1,'9c39bc4d2b5c233890fbca265c8bf9ae27430d5ae995d55696282ae768a5ffc6',1,NULL,NULL,NULL);
INSERT INTO "cms_user" VALUES(5,'eve','eve','eve@example.com','eve@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$39+Ekq4Bi7cFlMeSFvRqsQ$nweWixjmvz4RuP13NaVeCLgvop9qoNQXtiMOdjxdDLU',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 07:08:13.051995','2026-11-22 07:08:27.043297',NULL,4,'ac10464f85c7175f32256ceff60689c9bfd5d7ab3ffdf6f71a9a20bdc2451563',1,'2026-11-22 07:08:19.461895',NULL,NULL);
INSERT INTO "cms_user" VALUES(6,'fay','fay','fay@example.com','fay@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$Kyc7PXDYoq0DeheyhtCAWw$iuQJlWLRVNDsEuitcLLADCBYgz8VfbY2WES9hhKj5eg',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 07:08:14.533541','2026-11-22 07:08:27.009210',NULL,2,'19cbccffbd6fec79a3b582ac2a1f53f87e1487683f6d2ef57e334f7a3210ccb8',1,NULL,NULL,NULL);
INSERT INTO "cms_user" VALUES(7,'hal','hal','hal@example.com','hal@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$ztck/YEtZzSGtCPGHEwn/Q$gTpWRJ4ii1AkOm/cDJpOUbTeB5H8Vwl+G1Jp7CXncOU',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2025-11-22 07:08:16.015957','2025-11-22 07:08:16.056332',NULL,1,'84a9f3f08c8e4c0d7e8c31c3a2983e41edda47bf864cbfc62e5b93be83d2243d',1,NULL,NULL,NULL);
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
	CONSTRAINT uq_email_change_stop_hash UNIQUE (stop_hash), 
	CONSTRAINT fk_email_change_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_email_change_user_id UNIQUE (user_id), 
	CONSTRAINT fk_email_change_started_by FOREIGN KEY(started_by) REFERENCES cms_user (id) ON DELETE SET NULL, 
	CONSTRAINT fk_email_change_session_id FOREIGN KEY(session_id) REFERENCES login_session (id) ON DELETE SET NULL
);
INSERT INTO "email_change" VALUES(1,3,3,1,'carol.new@example.com','carol.new@example.com',1,'a1e15d34.MK-WQSpOQwq56GwwY0ti-g',NULL,'52c44789115b3706168ab538aff041c9351cbe5a0dbf1c05827ce103010a42a3','2026-11-22 07:08:19.530006','2026-11-22 07:18:19.507658',2,0,0,0,NULL,'127.0.0.1','Chrome 156, Linux','made','');
INSERT INTO "email_change" VALUES(2,2,2,4,'bob.new@example.com','bob.new@example.com',1,'a1e15d34.ugbeeeRGObDGm2k4rpeNmw',NULL,'379cf73a24770a0d9a2834b28f47e8728f604620f5c033eaf7eb44321a87c122','2026-11-22 07:08:21.984317','2026-11-22 07:18:21.954180',1,0,0,0,NULL,'127.0.0.1','Chrome 156, Linux','','');
INSERT INTO "email_change" VALUES(3,6,NULL,8,'fay.new@example.com','fay.new@example.com',1,'',NULL,'f1f9b2b696e774ca5992aae2a68373fa3bc7da0f8c6784a7d6c3e6125e11b862','2026-11-22 07:08:27.009002','2026-11-26 07:08:26.991742',0,0,0,1,1,'127.0.0.1','Chrome 156, Linux','','');
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
INSERT INTO "invitation" VALUES(1,'31a71716b182bdafa5f0d43fe6ea5e2f5879d355f75d1645bbf3f2eca3cbec55','gus@example.com','gus@example.com',0,1,'2026-11-22 07:08:25.827493','2026-11-25 07:08:25.827493');
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
INSERT INTO "link" VALUES(1,'a0428294764023eaf32911b34ec75b1a486982a79f48659965b756505eb94366','undo',3,'carol@example.com','carol@example.com',2,'2026-11-22 07:08:20.662446','2026-11-29 07:08:20.662446',NULL,'2026-11-22 07:08:19.530006','127.0.0.1','Chrome 156, Linux');
INSERT INTO "link" VALUES(2,'732bb7c96a11b97ec0c3d8fdbbeca29f5f604058b8a108dce1be7c71b30390be','prove',6,'fay.new@example.com','fay.new@example.com',1,'2026-11-22 07:08:26.993754','2026-11-26 07:08:26.993754',NULL,NULL,'','');
CREATE TABLE login_session (
	id INTEGER NOT NULL, 
	id_hash VARCHAR(64) NOT NULL, 
	user_id INTEGER NOT NULL, 
	remembered BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	proved_at DATETIME NOT NULL, 
	network VARCHAR(64) NOT NULL, 
	browser VARCHAR(200) NOT NULL, key_id VARCHAR(8), 
	CONSTRAINT pk_login_session PRIMARY KEY (id), 
	CONSTRAINT fk_login_session_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_login_session_id_hash UNIQUE (id_hash)
);
INSERT INTO "login_session" VALUES(1,'4d16ce0f165b018366525e2a5ae19e21083e669eea78bd1e1a3a5a11392d329a',1,0,'2026-11-22 07:08:19.219098','2026-11-22 07:08:19.219098','2026-11-22 07:08:19.219098','127.0.0.1','Chrome 156, Linux','a1e15d34');
INSERT INTO "login_session" VALUES(2,'d0cad9a83f4bfaa4222447de1be777b452d5727d00f23a22f70f94b9bef11e79',2,0,'2026-11-22 07:08:19.388331','2026-11-22 07:08:19.388331','2026-11-22 07:08:19.388331','127.0.0.1','Chrome 156, Linux','a1e15d34');
INSERT INTO "login_session" VALUES(3,'50ed5a7d6d2426ec11045879f99bcb4a37f3c614136a1198b3d9f8dc73cde3fd',3,0,'2026-11-22 07:08:19.427053','2026-11-22 07:08:19.427053','2026-11-22 07:08:19.427053','127.0.0.1','Chrome 156, Linux','a1e15d34');
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
INSERT INTO "mail" VALUES(1,'<179533129952.15205.15802767736202423385@example.net>','code',3,'','','','','sent','2026-11-22 07:08:19.528101','2026-11-22 07:10:50.353772','2026-11-22 07:18:19.507658',1,'2026-11-22 07:08:20.366543','');
INSERT INTO "mail" VALUES(2,'<179533129952.15205.10188938671339639842@example.net>','heads_up',3,'','','','','sent','2026-11-22 07:08:19.528101','2026-11-22 07:10:50.353772','2026-11-22 07:18:19.507658',1,'2026-11-22 07:08:20.373221','');
INSERT INTO "mail" VALUES(3,'<179533130066.15205.5337053696943577668@example.net>','changed',3,'','','','','sent','2026-11-22 07:08:20.668967','2026-11-22 07:10:51.398130','2026-11-25 07:08:20.668967',1,'2026-11-22 07:08:21.408994','');
INSERT INTO "mail" VALUES(4,'<179533130198.15204.3193663978542947532@example.net>','code',2,'','','','','sent','2026-11-22 07:08:21.982710','2026-11-22 07:10:53.325293','2026-11-22 07:18:21.954180',1,'2026-11-22 07:08:23.358446','');
INSERT INTO "mail" VALUES(5,'<179533130198.15204.6577543561467898845@example.net>','heads_up',2,'','','','','sent','2026-11-22 07:08:21.982710','2026-11-22 07:10:53.325293','2026-11-22 07:18:21.954180',1,'2026-11-22 07:08:23.374002','');
INSERT INTO "mail" VALUES(6,'<179533130583.15205.11303470655548110073@example.net>','invitation',1,'','','','','sent','2026-11-22 07:08:25.836298','2026-11-22 07:10:56.649280','2026-11-25 07:08:25.827493',1,'2026-11-22 07:08:26.663726','');
INSERT INTO "mail" VALUES(7,'<179533130700.15205.6749333133729945421@example.net>','assisted',6,'','','','','sent','2026-11-22 07:08:27.001109','2026-11-22 07:10:58.183386','2026-11-25 07:08:27.001109',1,'2026-11-22 07:08:28.193835','');
INSERT INTO "mail" VALUES(8,'<179533130700.15205.6560891505448803017@example.net>','assisted_proof',6,'fay.new@example.com','请确认您的新邮箱','fay，您好：

已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：

http://127.0.0.1:25737/cms/resetemail/prove/SEvO99JyUydlH0EKQ45n0ALC0i3oHyLf8lf0RpBZoJo/

时间：2026-11-22 07:08 UTC
操作人：ann

如果您不知情，请忽略此邮件，不会有任何改动。

-- 
账号中心 · 127.0.0.1:25737
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
      <p style="margin:0 0 20px;padding-bottom:12px;border-bottom:1px solid #c9cede;font-weight:bold;overflow-wrap:anywhere">账号中心 · 127.0.0.1:25737</p>
      
<p>fay，您好：</p>
<p>已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：</p>
<p style="margin:20px 0"><a href="http://127.0.0.1:25737/cms/resetemail/prove/SEvO99JyUydlH0EKQ45n0ALC0i3oHyLf8lf0RpBZoJo/" style="display:inline-block;padding:12px 24px;border:1px solid #2f6fde;border-radius:8px;background-color:#2f6fde;color:#ffffff;font-weight:bold;text-decoration:none">确认新邮箱</a></p>
<p style="font-size:14px">如果按钮无法点击，请打开以下网址：<br><a href="http://127.0.0.1:25737/cms/resetemail/prove/SEvO99JyUydlH0EKQ45n0ALC0i3oHyLf8lf0RpBZoJo/" style="color:inherit;word-break:break-all">http://127.0.0.1:25737/cms/resetemail/prove/SEvO99JyUydlH0EKQ45n0ALC0i3oHyLf8lf0RpBZoJo/</a></p>
<p style="padding-left:12px;border-left:3px solid #8a93b0;overflow-wrap:anywhere">时间：2026-11-22 07:08 UTC<br>
操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>','queued','2026-11-22 07:08:27.008503','2026-11-23 07:08:26.991742','2026-11-26 07:08:26.991742',0,NULL,'');
INSERT INTO "mail" VALUES(9,'<179533130845.15204.10945063646996973931@example.net>','task:password_link',NULL,'dan@example.com','','{"request_id": "bf1597134b58d6fe", "origin": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:25737", "time_zone": ""}, "language": "zh"}','','queued','2026-11-22 07:08:28.456584','2026-11-22 07:08:28.456584','2026-11-25 07:08:28.456584',0,NULL,'');
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
CREATE INDEX ix_cms_user_is_superuser ON cms_user (id) WHERE is_superuser = 1;
COMMIT;
